"""Mask sets: holes that are drawn, kept in files, taken over from pictures, and told apart by what they are like."""
