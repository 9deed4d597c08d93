"""Storage: the ports over SQL, written once, for the engines that speak the common subset."""
