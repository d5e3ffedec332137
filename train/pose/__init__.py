"""Who reads images: the gauge that measures, and those who label the photographs' cameras."""
