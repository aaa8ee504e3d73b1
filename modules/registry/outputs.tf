# Whoever pushes or pulls needs the repository with its policy in force.
output "repositories" {
  description = "The repositories by key: name, ARN, and the URL that images are tagged with."
  value = {
    for key, repository in aws_ecr_repository.this : key => {
      name = repository.name
      arn  = repository.arn
      url  = repository.repository_url
    }
  }

  depends_on = [aws_ecr_repository_policy.this]
}
