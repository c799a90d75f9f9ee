"""Tests in three storeys: the protocol in memory, the engine with real programs, real windows."""
