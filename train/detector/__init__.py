"""Trains the person detector that skelvid ships: photographs with a teacher's boxes, and people pasted into others."""
