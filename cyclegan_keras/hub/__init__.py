"""Models on the Hugging Face Hub: what `hf://` words name, and what is uploaded there."""
