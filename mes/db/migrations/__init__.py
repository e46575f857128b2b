"""Database migrations, from the first revision on."""
