"""What the round trip cost: metrics of protocols, retraining."""
