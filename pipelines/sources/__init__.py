"""Where pictures come from: a data set that is downloaded or drawn, or files in folders."""
