"""The ports kept on AWS: DynamoDB, S3, KMS.

No boto3 in a request's path: building its clients costs half a second of a cold start and ten
times the CPU of a call. DynamoDB and KMS speak JSON over ``client``, S3 goes through obstore.
"""
