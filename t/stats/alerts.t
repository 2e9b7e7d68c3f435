#!/usr/bin/perl

# Each alert of integrations/prometheus comes when it should and not before, by
# "promtool test rules", and has a paragraph that says what to do.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;

my $t = Pimap->new();
my $root = $t->root();
my $rules = $t->read_file("$root/integrations/prometheus/rules.yml");
my %runbook = $rules
    =~ /^ +- alert: (\w+)$(?:(?!- alert).)*?runbook: (\S+)/msg;

# Up to 30 minutes, a value each minute: "a+bxn" rises by b, "axn" stays.

my $devices = 'pimap_devices{transport="held"}';

my @cases = (
    # alert, when it comes, series that make it, series that do not
    ['PimapDown', 3, ['up{job="pimap"}', '0x30'],
        ['up{job="pimap"}', '1x30', 'up{job="other"}', '0x30']],
    ['PimapNotReady', 2,
        ['pimap_worker_ready{worker="0"}', '1x30',
            'pimap_worker_ready{worker="1"}', '0x30'],
        ['pimap_worker_ready{worker="0"}', '1x30']],
    ['PimapRedisNodeAway', 2, ['pimap_redis_nodes_away', '1x30'],
        ['pimap_redis_nodes_away', '1 0x30']],
    ['PimapAccountsUnsubscribed', 10,
        ['pimap_accounts', '1000x30', 'pimap_redis_subscriptions', '990x30'],
        ['pimap_accounts', '1000x30',
            'pimap_redis_subscriptions', '990x8 1000x22']],
    ['PimapRedisUnsteady', 30, ['pimap_redis_failures_total', '0+1x60'],
        ['pimap_redis_failures_total', '0 4x59']],
    ['PimapDevicesGone', 30, [$devices, '1000x20 300x50'],
        [$devices, '1000x20 600x50']],
    ['PimapEventsLate', 20, [latency('0+1x30', '0+100x30')],
        [latency('0+100x30', '0+100x30')]],
    ['PimapDevicesSlow', 50, ['pimap_ends_total{reason="slow"}', '0+5x60',
            'pimap_ends_total{reason="client"}', '0+10x60'],
        ['pimap_ends_total{reason="slow"}', '0+1x60',
            'pimap_ends_total{reason="client"}', '0+1000x60']],
    ['PimapEventsInvalid', 15, ['pimap_events_invalid_total', '0+1x30'],
        ['pimap_events_invalid_total', '7x30']],
    ['PimapEventsInvalid', 15, ['pimap_publish_invalid_total', '0+1x30'],
        ['pimap_publish_invalid_total', '7x30']],
    ['PimapPublishFails', 15, ['pimap_publish_failed_total', '0+1x30'],
        ['pimap_publish_failed_total', '7x30']],
    ['PimapEventsLost', 30, ['pimap_log_gaps_total', '0+2x30',
            'pimap_events_received_total', '0+100x30'],
        ['pimap_log_gaps_total', '0+2x30',
            'pimap_events_received_total', '0+1000x30']],
    ['PimapResyncs', 10, [$devices, '1000x30', 'pimap_log_resyncs_total',
            '0+100x30'],
        [$devices, '1000x30', 'pimap_log_resyncs_total', '0+10x30']],
    ['PimapLoginsUnproven', 12, ['pimap_accounts_unproven', '3x30'],
        ['pimap_accounts_unproven', '3x5 0x30']],
    ['PimapUpdatesFail', 25, ['pimap_updates_failed_total', '0+1x30'],
        ['pimap_updates_failed_total', '9x30']],
    ['PimapNoRoom', 10, ['pimap_handover_no_room_total', '0x5 4x30'],
        ['pimap_handover_no_room_total', '4x30']],
    ['PimapNoRoom', 10, ['pimap_zone_full_total', '0x5 4x30'],
        ['pimap_zone_full_total', '4x30']],
    ['PimapVersionsDiffer', 65,
        ['pimap_build_info{instance="b",version="1"}', '1x90',
            'pimap_build_info{version="2"}', '1x90'],
        ['pimap_build_info{instance="b",version="1"}', '1x90',
            'pimap_build_info{version="1"}', '1x90']],
    ['PimapBridgeDown', 3, ['up{job="pimap-bridge"}', '0x30'],
        ['up{job="pimap-bridge"}', '1x30']],
    ['PimapBridgeRedisAway', 3, ['pimap_bridge_redis_up', '0x30'],
        ['pimap_bridge_redis_up', '0 1x30']],
    ['PimapBridgeSessionsMissing', 12,
        ['pimap_bridge_accounts_without_session', '20x30',
            'pimap_bridge_accounts_with_session', '100x30'],
        ['pimap_bridge_accounts_without_session', '5x30',
            'pimap_bridge_accounts_with_session', '100x30']],
    ['PimapBridgeUnwatched', 17, ['pimap_bridge_accounts_unwatched', '1x30'],
        ['pimap_bridge_accounts_unwatched', '1x10 0x30']],
    ['PimapBridgeLoginsFail', 12,
        ['pimap_bridge_auth_total{result="away"}', '0+1x30'],
        ['pimap_bridge_auth_total{result="bad"}', '0+1x30']],
    ['PimapBridgeEventsRefused', 5,
        ['pimap_bridge_events_invalid_total', '0+1x30'],
        ['pimap_bridge_events_invalid_total', '2x30']],
    ['PimapBridgeUpdatesLate', 12, ['pimap_bridge_updates_late', '2x30'],
        ['pimap_bridge_updates_late', '2x5 0x30']],
);

my %page = map { $_->name() => $_ } Pimap::Page->all($root);
my %tested = map { $_->[0] => 1 } @cases;
my @alerts = $rules =~ /^ +- alert: (\w+)$/mg;

$t->plan(2 + 2 * @cases + @alerts);

is_deeply([ sort(keys(%tested)) ], [ sort(@alerts) ], 'each alert is tested');
is(scalar(grep { /severity: (?:page|ticket)$/ } split(/\n/, $rules)),
    scalar(@alerts), 'each alert has its urgency');

for my $alert (@alerts) {
    my ($file, $anchor) = split(/#/, $runbook{$alert} // '');

    ok($file && $page{$file} && $page{$file}{anchors}{$anchor}
        && $anchor eq lc($alert)
        && length($page{$file}{section}{$alert}) > 150,
        "$alert: a paragraph says what to do");
}

my $dir = $t->dir();

$t->write_file("$dir/rules.yml", $rules);

for (@cases) {
    my ($alert, $minute, $good, $bad) = @$_;

    is(promtool($alert, $minute, 1, @$good), '', "$alert: comes for"
        . " $good->[0]");
    is(promtool($alert, $minute, 0, @$bad), '', '    and else it does not');
}


# Complaints of promtool: whether the alert fires at the minute.

sub promtool {
    my ($alert, $minute, $fires, @series) = @_;

    my $input = '';

    while (my ($name, $values) = splice(@series, 0, 2)) {
        $name .= '{}' if $name !~ /\{/;
        $name =~ s/\{/{instance="a",/ if $name !~ /instance=/;
        $input .= "      - series: '" . $name =~ s/,\}/}/r
            . "'\n        values: '$values'\n";
    }

    my $samples = $fires ? "\n          - labels: '{}'\n            value: 1"
        : ' []';

    $t->write_file("$dir/test.yml", <<"END");
rule_files: [rules.yml]
evaluation_interval: 30s
tests:
  - interval: 1m
    input_series:
$input
    promql_expr_test:
      - expr: |-
          count(ALERTS{alertname="$alert",alertstate="firing"})
        eval_time: ${minute}m
        exp_samples:$samples
END

    my $said = `cd $dir && promtool test rules test.yml 2>&1`;

    return $said =~ /SUCCESS/ ? '' : $said;
}


# Events of which some take at most a second, of all.

sub latency {
    my ($fast, $all) = @_;

    return map { ("pimap_event_latency_seconds_bucket{le=\"$_->[0]\"}",
        $_->[1]) } ['1', $fast], ['2.5', $all], ['+Inf', $all];
}
