"""From reports on cameras to the condition of each camera and the state of each facility."""
