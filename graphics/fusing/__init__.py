"""Several photographs of one object become one shape, one texture and their cameras.

Each photograph was read by itself, in the canonical frame and on one template, so that nothing has
to be matched: `joint` settles which of them show the other end and leaves out what is no photograph
of the object, `outlines` fits the mean shape to all masks, `painting` makes the texture.
"""

STEPS = 2
"""Of the fit to all outlines, where nothing else is asked for; here, where nothing heavy is
imported, for command lines."""
