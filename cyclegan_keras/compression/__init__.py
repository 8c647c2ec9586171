"""Smaller generators for a budget: inheritance of weights and distillation."""
