"""Trains the regressor: pictures of people and what is known of them in, weights of `skelvid.regress` out."""
