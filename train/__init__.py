"""Training and asset building; imports skelvid, never the other way."""
