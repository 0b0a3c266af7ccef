"""The engine: packs of sealed blocks, and the Merkle search tree over what they hold."""
