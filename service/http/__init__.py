"""HTTP: the routes' forms and answers, who may call, and the OpenAPI document."""
