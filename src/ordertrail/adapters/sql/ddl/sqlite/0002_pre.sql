-- Says in the file's header what it is: 'OTR1'. 0.1.0 neither knows nor minds.
PRAGMA application_id = 1330926129;
