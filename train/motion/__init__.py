"""The motion library: free motion capture of several formats in, SKEL motions of the open neutral body out."""
