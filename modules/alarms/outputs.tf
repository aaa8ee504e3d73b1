output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

# Whoever sends to the topic needs it with its policy in force.
output "topic_arn" {
  description = "ARN of the topic that tells everybody."
  value       = aws_sns_topic.this.arn

  depends_on = [aws_sns_topic_policy.this]
}
