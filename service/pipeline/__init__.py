"""One photograph to its mesh, and back to pictures: the steps that a request or a job asks for."""
