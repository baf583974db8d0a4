"""Write-once storage: keep objects for a term, and prove that they are still kept."""
