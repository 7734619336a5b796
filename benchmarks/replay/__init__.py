"""A load of thousands of cameras that costs little itself: clips encoded once, packetised once, sent from one buffer to
all cameras that are in step. It also knows what it sent, to the frame, and can spoil each camera on request.
"""
