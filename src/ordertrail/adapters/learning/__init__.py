"""Learners of forecasts: an L1 logistic regression by scikit-learn, boosted trees by LightGBM. No pickle anywhere."""
