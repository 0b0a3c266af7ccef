"""Wire shapes, and THE table of operations from which routes, IAM, OpenAPI and tests derive."""
