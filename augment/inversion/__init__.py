"""From a photograph to the noise and the null embeddings from which the model draws it again."""
