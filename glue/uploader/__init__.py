"""The program beside a stranger's container: it sends what stands in shared folders to S3.

    python -m glue.uploader worker-1/results=/uploads/results worker-1/agent=/uploads/agent

All it holds is a presigned POST form, good for one prefix and for a while. Whoever fills the
folders may be hostile: names, kinds, sizes and numbers of files are theirs, and they may change
everything at every moment. It needs nothing but Python and imports nothing else of glue, so that
its image is small and little can go wrong in it.
"""
