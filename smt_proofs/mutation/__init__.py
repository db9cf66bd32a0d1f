"""Is every wrong rule noticed?"""
