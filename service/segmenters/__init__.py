"""Segmenters made by others: wrapped into the graph that service and training take."""
