"""What bench/compare is made of: targets.py starts brokers, workloads.py measures one, figures.py makes the table."""
