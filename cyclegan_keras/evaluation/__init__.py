"""How good a model is: protocols, tables and the choice of the best generator of a training."""
