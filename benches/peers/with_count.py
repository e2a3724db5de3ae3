"""Prints how many pages a PDF has."""

import sys

import pikepdf

print(len(pikepdf.open(sys.argv[1]).pages))
