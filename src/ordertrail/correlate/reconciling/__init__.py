"""What was promised, charged, shipped and given back, held together by order: discrepancies, money at risk, totals."""
