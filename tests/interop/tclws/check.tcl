# tclws with a client made from ?wsdl.
package require WS::Client

# Runs one check and prints its result.
proc column {name check} {
    if {[catch {uplevel #0 $check} result]} {
        puts "FAIL tclws $name: [string range [regsub -all {\s+} $result " "] 0 299]"
        return 0
    }
    puts "PASS tclws $name"
    return 1
}

proc equal {found wanted} {
    if {$found ne $wanted} {
        error "$found, not $wanted"
    }
}

proc call {operation request} {
    set request [dict merge {requestMeta {clientHashKey demo-hash-key}} $request]
    dict get [WS::Client::DoCall gateway $operation [list request $request]] response
}

proc successful {operation request} {
    set response [call $operation $request]
    equal [dict get $response status code] 0
    return $response
}

# The values of a key in a list of dictionaries.
proc values {entries key} {
    lmap entry $entries {dict get $entry $key}
}

set url [lindex $argv 0]
if {![column generate {WS::Client::GetAndParseWsdl "$url?wsdl" {} gateway}]} {
    exit
}
column findUsers {
    set found [successful findUsers {userName MAKI limit 5}]
    equal [dict get $found total] 1
    equal [values [dict get $found users] userName] hakapeszimaki
}
column showUser {
    set user [dict get [successful showUser {userName mokamiki}] user]
    set fields {clientName email name organizationalUnit status userName}
    equal [lmap field $fields {dict get $user $field}] [list Default moka.miklos@dbx.hu "Móka Miklós" zsebtv ACTIVE mokamiki]
    equal [llength [dict get $user roles]] 2
}
column createUser {
    set user {clientName Default email tclws@dbx.hu name "Tíszíel Ű" roles {role {a b}} userName tclws}
    set made [dict get [successful createUser [list user $user]] user]
    equal [dict get $made status] UNACTIVATED
    equal [dict get $made name] "Tíszíel Ű"
}
column modifyUser {
    set changed [dict get [successful modifyUser {user {organizationalUnit tcl status ACTIVE userName tclws}}] user]
    equal [dict get $changed organizationalUnit] tcl
    equal [dict get $changed name] "Tíszíel Ű"
}
column registerUser {
    successful registerUser {username tclws-r password ValaKi1234 name Tcl email r-tclws@dbx.hu}
}
column resetPassword {
    successful resetPassword {userNameOrEmail tclws}
}
column changePassword {
    successful changePassword {oldPassword passWORD123 password passWORD123 userName hakapeszimaki}
}
column authenticate {
    set signedIn [successful authenticate {password MokaMiki-1234 userNameOrEmail mokamiki}]
    equal [dict get $signedIn user userName] mokamiki
}
column lists {
    set users [dict get [successful findUsers {userName ki statuses {status {ACTIVE INACTIVE}}}] users]
    equal [values $users userName] {hakapeszimaki mokamiki}
    equal [values $users roles] {csokifogyaszto {majomidomar csokidealer}}
    set changed [dict get [successful modifyUser {user {roles {role {c d}} userName tclws}}] user]
    equal [dict get $changed roles role] {c d}
}
column params {
    set request {password passWORD123 userNameOrEmail hakapeszimaki}
    set choice [call authenticate $request]
    equal [dict get $choice status code] 2
    equal [values [dict get $choice params] key] GRANTED_ORGS
    dict set request params param {{key OTHER value x} {key USER_ORG_UUID value moby}}
    set signedIn [successful authenticate $request]
    equal [values [dict get $signedIn params] key] P_AUTH_TOKEN
    equal [string match "JWT *" [lindex [values [dict get $signedIn params] value] 0]] 1
}
column refusal {
    set status [dict get [call showUser {userName nobody}] status]
    set message [lindex [dict get $status messages message] 0]
    equal [list [dict get $status code] [dict get $message severity] [dict get $message code]] {2 ERROR USER_NOT_FOUND}
    equal [expr {[dict get $message description] ne ""}] 1
}
column fault {
    if {![catch {call showUser [list userName [string repeat a 70000]]} text]} {
        error "no fault"
    }
    equal [lindex $errorCode 2] REMERR
    equal [regexp Client [lindex $errorCode 3]] 1
    equal [expr {[string length $text] > 10}] 1
}
