"""Synthetic people: pictures of dressed bodies in motion, with labels that are true by construction."""
