"""Access to the machine: devices, processes, threads, signals, files and the terminal."""
