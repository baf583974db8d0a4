"""Write-once storage in an S3 bucket with Object Lock, on AWS or any store that speaks S3 and keeps the lock."""
