"""From an inversion to edited photographs."""
