"""Pictures from any program, judged as those of a method would be."""
