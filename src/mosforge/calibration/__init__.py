"""The six metrics and their fusions beside the people who rated KADID-10k, with any pristine images.

KADID-10k's 125 classes (25 types at 5 published levels) are made of the images and scored, and the class
means of each metric and fusion are compared with those of the human scores. No rated image is needed.
"""
