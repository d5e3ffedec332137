"""What a person annotates, on pages for it: viewpoints of view codes, azimuths of photographs."""
