"""Who may look at a camera, until when, and the pictures themselves."""
