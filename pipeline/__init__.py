"""Neural networks to vectors and back."""
