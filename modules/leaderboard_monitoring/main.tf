data "aws_region" "current" {}

# One page: what became of the submissions, what waits, what the state machine and the functions
# did, and what they complained of.
resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = templatefile("${path.module}/dashboard.json.tftpl", {
    environment       = var.environment
    functions         = var.functions
    leaderboard       = var.leaderboard
    queue             = var.queues.queue
    dead_letters      = var.queues.dead_letters
    region            = data.aws_region.current.name
    state_machine_arn = var.state_machine_arn
  })
}
