"""A picture file becomes an array here, and an array a picture file."""
