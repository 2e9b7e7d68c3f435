#!/usr/bin/perl

# The documents agree with the source: directives, defaults, parameters,
# metrics, and types of events.  Their links are valid.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;

my $t = Pimap->new();
my $root = $t->root();

my %page = map { $_->name() => $_ } Pimap::Page->all($root);
my @commands = commands();

$t->plan(9 + 2 * @commands + keys(%page));

directives();
parameters();
metrics();
event_types();
links($page{$_}) for sort(keys(%page));


# A file of the module, whose name is unique: "conf.c" is ngx_pimap_conf.c.

sub source {
    my ($name) = @_;
    my ($file) = grep { -e }
        map { glob("$root/ngx_pimap_module/${_}ngx_pimap_$name") } '', '*/';

    return $t->read_file($file);
}


# The command table: [name, contexts, member of the settings]

sub commands {
    my ($source, @found) = source('module.c');
    $source =~ s/ngx_pimap_anywhere\w*\(("\w+"),\s*(?:\w+,\s*)?(\w+)[,)]/
        { ngx_string($1), ANYWHERE, slot, ngx_pimap_loc($2),/g;
    $source =~ s/ngx_pimap_in_http\(("\w+"),\s*\w+,\s*(\w+),/
        { ngx_string($1), HTTP_MAIN_, slot, ngx_pimap_main($2),/g;
    $source =~ s/ngx_pimap_in_location\(("\w+"),/
        { ngx_string($1), HTTP_LOC_, slot, x, 0,/g;

    while ($source =~ /\{\ ngx_string\("(\w+)"\),\s*([A-Z0-9_|]+),
        \s*\w+,\s*(?:ngx_pimap_(?:main|loc)\((\w+)\)|\w+,\s0),/xg)
    {
        my ($name, $flags, $member) = ($1, $2, $3);

        push(@found, [ $name, join(', ',
            $flags =~ /HTTP_MAIN_|ANYWHERE/ ? 'http' : (),
            $flags =~ /HTTP_SRV_|ANYWHERE/ ? 'server' : (),
            $flags =~ /HTTP_LOC_|ANYWHERE/ ? 'location' : ()), $member ]);
    }

    return @found;
}


# Of the members of the settings: ["size" ..., number]

sub defaults {
    my %found;
    my $source = source('conf.c') . source('login_conf.c');
    my %named = source('conf.h') =~ /^#define (NGX_\w+) +\(?(\d[\d *]*)/mg;
    $source =~ s/\b(NGX_PIMAP_LOG_\w+)\)/$named{$1})/g;
    $found{$1} = ['text', $2 eq '' ? "\x{2014}" : $2] while $source =~
        /ngx_conf_merge_str_value\(\w+->(\w+),\s*\w+->\w+, "(\w*)"\)/g;
    $found{login} = ['text', lc($1)]
        if $source =~ /login,[^;]*\|NGX_PIMAP_LOGIN_(\w+)\)/;

    while ($source =~ /_value\((\w+), (\w+), (?:([\d *]+)|NGX_LOG_(\w+))\)/g)
    {
        $found{$1} = $4 ? ['text', lc($4)] : [ $2, eval($3) ];
    }

    return %found;
}


sub number {
    my ($kind, $text) = @_;
    return $text if $kind eq 'text';
    return $text eq 'on' ? 1 : $text eq 'off' ? 0 : $text =~ /^(\d+)d$/
        ? $1 * 86400 : $text if $kind eq 'flag';

    my %unit = $kind eq 'size' ? (k => 1024, m => 1024 * 1024)
        : $kind eq 'sec' ? (s => 1, d => 86400)
        : $kind eq 'msec' ? (ms => 1, s => 1000, m => 60000) : ();

    return $text =~ /^(\d+)([a-z]*)$/ ? $1 * ($unit{$2} // 1) : $text;
}


sub directives {
    my $page = $page{'docs/directives.md'};
    my %default = defaults();
    my $source = source('conf.c');
    my ($ping) = $source =~ /^(ngx_pimap_merge_ping.*?^\})/ms;
    my %ping = $ping =~ /conf->(ping\w*) = (\d+);/g;

    is_deeply([ $t->read_file("$root/docs/directives.md") =~ /^### (\w+)/mg ],
        [ map { $_->[0] } @commands ], 'directives, in order');

    my ($least) = $page->{section}{pimap_zone} =~ /At least `(\w+)`/;
    my ($min) = source('conf.h') =~ /_ZONE_MIN_SIZE\s+\((\d+) \* 1024/;

    is(number('size', $least), $min * 1024, 'the least zone');

    for (@commands) {
        my ($name, $contexts, $member) = @$_;
        my $text = $page->{section}{$name};
        my ($default) = $text =~ /^\*\*Default:\*\* (.*)$/m;
        my ($context) = $text =~ /^\*\*Context:\*\* (.*)$/m;

        is($context, $contexts, "$name: context");

        if ($name eq 'pimap_ping') {
            is($default, "$ping{ping}s min=$ping{ping_min}s"
                . " max=$ping{ping_max}s", "$name: default");

        } elsif ($name =~ /^pimap_(?:compress|account_case)$/) {
            like($default, qr/^(?:on|lower)$/, "$name: default");

        } elsif ($member && $default{$member}) {
            my ($kind, $value) = @{ $default{$member} };

            is(number($kind, $default), $value, "$name: default");

        } else {
            like($default, $member ? qr/\$\w/ : qr/^\x{2014}$/,
                "$name: no number as default");
        }
    }
}


sub parameters {
    my $source = source('conf_redis.c');
    my %page = map { $_->[0] =~ /^`(\w+)=`$/ ? ($1 => $_->[1]) : () }
        $page{'docs/directives.md'}->rows('pimap_redis');
    my @names = $source =~ /\{ ngx_string\("(\w+)="\)/g;

    is_deeply([ sort(keys(%page)) ], [ sort(@names) ], 'redis: parameters');

    my %default = $source =~ /rcf->(\w+) = (\d+);/g;
    my ($prefix) = $source =~ /&rcf->prefix, "(\w+)"/;

    is_deeply([ map { number('msec', $page{$_} =~ s/`//gr) }
        qw(connect_timeout timeout probe) ],
        [ @default{qw(connect_timeout timeout probe)} ], 'redis: times');
    is("$page{prefix} $page{verify}", "`$prefix` `on`", 'redis: others');
}


# Names, types, and places in JSON.

sub metrics {
    my $source = source('metrics.c');
    my ($total, $worker) = split(/ngx_pimap_metrics_worker\[\]/, $source);
    my %source = (
        pimap_ends_total => 'counter ends',
        pimap_devices => 'gauge ' . join(', ', map { "devices.$_" }
            map { my ($kind, $name) = split(/\("/);
                $kind eq 'devices' ? $name
                    : map { "$name$_" } qw(H1 H1Tls H2 H2Tls H3) }
            $total =~ /ngx_pimap_metric_((?:devices|requests)\("\w+)"/g),
        pimap_build_info => 'gauge version, nginx',
        map({ /"(\w+)", "(\w+)"/; $2 => "histogram $1" }
            source('histogram.c') =~ /\{ ("\w+", "pimap_\w+_seconds"),/g),
    );

    for ([ $total, '' ], [ $worker, 'workers[].' ]) {
        my ($text, $prefix) = @$_;

        while ($text =~ /ngx_pimap_metric\((?:NULL|"(\w+)"),\s"(\w+)",
            \s+"(\w+)",\s+NULL,(?:\s+"[^"]*")+,\s+\w+\)/xg)
        {
            my ($name, $place) = ($3, $prefix . ($1 ? "$1." : '') . $2);

            $source{"pimap_$name"} = $source{"pimap_$name"}
                ? $source{"pimap_$name"} . ", $place"
                : ($name =~ /_total$/ ? 'counter' : 'gauge') . " $place";
        }
    }

    my @rows = $page{'docs/directives.md'}->rows('pimap_status');
    my %page = map { $_->[0] =~ /^`(pimap_\w+)`$/ ? ($1 => "$_->[1] $_->[3]")
        : () } @rows;

    is_deeply(\%page, \%source, 'metrics');
    is_deeply([ map { $_->[0] =~ /^`([a-z]+)`$/ } @rows ],
        [ $source =~ /ngx_pimap_metric_end\("(\w+)"/g ], 'reasons of ends');
}


sub event_types {
    my $source = $t->read_file("$root/pimap/pimap_types.c");
    my ($types, $events) = $source =~ /pimap_types\[\]\ =(.*)
        pimap_event_types\[\]\ =(.*?)\{\ NULL/sx;
    my ($mail) = $source =~ /define PIMAP_MAIL(.*?\))\n\n/s;
    my (%name, %source);

    $name{$2} = $1 while $types =~ /"(\w+)",\s*pimap_type\((\w+)\)/g;

    while ($events =~ /pimap_m(?:ask|erge)\("(\w+)",\s*(.*?)\)[,\n]*$/mg) {
        my ($event, $mask) = ($1, "$2)");

        $mask =~ s/PIMAP_MAIL/$mail/;
        $source{$event} = join(', ',
            sort(map { $name{$_} } $mask =~ /pimap_type\((\w+)\)/g));
    }

    my @rows = $page{'docs/events.md'}->rows('Names and types');
    my %shown = map { @{$_}[0, 2] } grep { $source{ $_->[0] } } @rows;

    is_deeply(\%shown, \%source, 'types of events');

    my ($reserved) = $t->read_file("$root/pimap/pimap_event.c")
        =~ /pimap_event_reserved\[\] = (.*?)NULL/s;

    is_deeply([ sort(map { $_->[0] =~ /`(\w+)`/g } @rows) ],
        [ sort($reserved =~ /"(\w+)"/g) ], 'reserved names');
}


sub links {
    my ($page) = @_;

    my @broken;

    for ($page->links()) {
        my ($file, $anchor) = @$_;
        my $target = $page->target($file);

        push(@broken, join('#', $file, $anchor // ())) if !-e "$root/$target"
            || defined $anchor && !$page{$target}{anchors}{$anchor};
    }

    is("@broken", '', $page->name() . ': links');
}
