"""The campaign editor: settings in three tabs, then contacts, then the start; of each channel."""
