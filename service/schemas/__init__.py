"""What clients send and get: pydantic models, from which the OpenAPI document is made."""
