"""Prints what PySpark reads by Iceberg's own runtime: ``spark_reader.py SCRATCH '{"<table>": "<metadata>", …}'``."""

import json
import sys
from pathlib import Path

import pyspark  # type: ignore[import-not-found]
import snowpark_connect_deps_iceberg as iceberg  # type: ignore[import-not-found]
from pyspark.sql import SparkSession  # type: ignore[import-not-found]
from shading import shade  # type: ignore[import-not-found]
from sums import columns  # type: ignore[import-not-found]

scratch, tables = Path(sys.argv[1]), json.loads(sys.argv[2])
jackson = scratch / "jackson.jar"
shade(sorted((Path(pyspark.__file__).parent / "jars").glob("jackson-[acd]*-2.*.jar")), jackson)
runtime = iceberg.get_jar_path("iceberg-spark-runtime-3.5_2.12-1.10.2.jar")
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.extraClassPath", f"{runtime}:{jackson}")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.warehouse.dir", str(scratch / "warehouse"))
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
found = {}
for table, place in tables.items():
    spark.read.format("iceberg").load(place).createOrReplaceTempView(table)
    found[table] = list(spark.sql(f"SELECT {columns(table)} FROM {table}").first())
json.dump(found, sys.stdout)
spark.stop()
