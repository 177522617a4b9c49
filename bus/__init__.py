"""What travels on the wire between the services, and how."""
