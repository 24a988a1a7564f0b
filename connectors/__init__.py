"""The border: one file per outside platform, reading and writing together."""
