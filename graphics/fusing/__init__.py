"""Several photographs of one object become one shape, one texture and their cameras.

Each photograph was read by itself, in the canonical frame and on one template, so that nothing has
to be matched: `cameras` settles which of them show the other end, `agreement` leaves out what is no
photograph of the object, `outlines` fits the mean shape to all masks, `painting` makes the texture.
"""
