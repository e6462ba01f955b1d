"""What AWS answers, as data, and how it is asked over both protocols. Needs boto3 alone, of any
version, because Debian's interpreter runs it too."""
