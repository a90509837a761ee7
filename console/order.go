package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"chancery"
	"chancery/cas"
)

// orderData is what an order's page shows.
type orderData struct {
	*cas.OrderStory
	ID       int64
	Names    []string // as people read them
	Status   string
	Timeline []milestone
	Publish  []instruction
	Looks    []lookShown
	// Ended: nothing will happen by itself any more, so the page need not ask.
	Ended bool
	// Seen is a hash of what is shown, Asked how often the page has asked since, and
	// Pause how long, in seconds, until it asks again.
	Seen  string
	Asked int
	Pause int
	// Changed: what is shown is not what the page has.
	Changed bool
	// CanPublish: the demonstration's zone has the names.
	CanPublish bool
	Demo       string
	// MayCancel, MayDelete: the state allows it, and the policies do.
	MayCancel, MayDelete bool
	Note                 *flash // of a look that was asked for
}

// milestone is a step of an order's life.
type milestone struct {
	Key  string    // order.<Key> is its text
	At   time.Time // zero: not known, or not yet
	Kind string    // done, now, next or bad
	Text string    // more about it
}

// instruction is what to publish for one name, in the words of those who publish.
type instruction struct {
	chancery.Validation
	Shown  string // the name, as people read it
	Proved bool
	// Bind is a line of a zone file; Zone and Host how a provider splits the name; Dig,
	// Aliyun and Curl are commands.
	Bind, Zone, Host, Dig, Aliyun string
	URL, Nginx, Curl              string
}

// lookShown is a look at a proof.
type lookShown struct {
	chancery.Evidence
	Key string // finding.<Key> is what it means
	OK  bool
}

func (p *page) orderID() (int64, error) {
	id, err := strconv.ParseInt(p.r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, chancery.Errorf(chancery.NotFoundOrder, "there is no such order")
	}
	return id, nil
}

func showOrder(p *page) error {
	id, err := p.orderID()
	if err != nil {
		return err
	}
	story, err := call[cas.OrderStory](p, "OrderStory", cas.OrderStoryInput{OrderId: id})
	if err != nil {
		if p.isPart() { // the page itself says what is wrong
			return p.redirect("orders/%d", id)
		}
		return err
	}
	return p.render("order", p.orderData(story))
}

func (p *page) orderData(story *cas.OrderStory) orderData {
	o := &story.Order
	resource := fmt.Sprintf("order/%d", o.ID)
	may := func(operation string) bool { return p.may.Allow("yundun-cert:"+operation, resource) }
	d := orderData{
		OrderStory: story, ID: int64(o.ID), Status: statusOf(story, p.console.Clock.Now()), Ended: !o.Open(),
		Publish: p.instructions(story), MayCancel: o.Open() && may("CancelOrderRequest"),
		MayDelete: (o.State == chancery.VerifyFail || o.State == chancery.Payed) && may("DeleteCertificateRequest"),
	}
	for _, name := range o.Names {
		d.Names = append(d.Names, name.Unicode())
		d.CanPublish = d.CanPublish || p.console.demonstrates(name)
	}
	d.CanPublish = d.CanPublish && o.State == chancery.DomainVerify && story.Told
	if p.console.Demonstration != nil {
		d.Demo = p.console.Demonstration.Zone()
	}
	for _, look := range slices.Backward(story.Looks) { // the newest first
		d.Looks = append(d.Looks, lookShown{look, findingKeys[look.Finding], look.Finding == chancery.Seen})
	}
	d.Timeline = p.timeline(story)
	d.Seen = hashOf(d.Status, d.Timeline, d.Publish, d.Looks, story.Delay, story.Parked)
	d.Asked, _ = strconv.Atoi(p.r.URL.Query().Get("asked")) // 0 for what is no number
	d.Changed = d.Seen != p.r.URL.Query().Get("seen")
	if d.Changed {
		d.Asked = 0
	}
	d.Pause = pause(d.Asked)
	d.Asked++
	return d
}

// pause is how long a page waits before it asks again: short while something is going
// on or just was, then longer and longer.
func pause(asked int) int {
	const (
		lively, often  = 60, 2  // two minutes long
		patient, soon  = 120, 5 // five minutes more
		drowsy, seldom = 180, 20
		last           = 60
	)
	switch {
	case asked < lively:
		return often
	case asked < patient:
		return soon
	case asked < drowsy:
		return seldom
	}
	return last
}

func hashOf(what ...any) string {
	text, _ := json.Marshal(what) // plain values
	sum := sha256.Sum256(text)
	const enough = 12
	return hex.EncodeToString(sum[:enough])
}

// statusOf is the order's status as lists show it.
func statusOf(story *cas.OrderStory, now time.Time) string {
	entry := story.Order.Entry(story.Certificate.NotAfter)
	if entry == nil {
		return ""
	}
	entry.Settle(now)
	entry.Settle(now) // both dates may be over
	return string(entry.Status)
}

// findingKeys are the names of messages about findings.
var findingKeys = map[chancery.Finding]string{
	chancery.Seen: "seen", chancery.WrongValue: "wrongValue", chancery.NoRecord: "noRecord", chancery.NoName: "noName",
	chancery.ServerFailed: "serverFailed", chancery.NoAnswer: "noAnswer", chancery.Refusal: "refusal", chancery.BadStatus: "badStatus",
	chancery.BadAnswer: "badAnswer", chancery.NotAsked: "notAsked", chancery.BeginsAgain: "beginsAgain", chancery.NextIssuer: "nextIssuer",
}

// The kinds of milestones.
const (
	isDone = "done"
	isNow  = "now"
	isNext = "next"
	isBad  = "bad"
)

// timeline is the order's life up to now and what is to come.
func (p *page) timeline(story *cas.OrderStory) (list []milestone) {
	o := &story.Order
	add := func(key string, at time.Time, kind, text string) { list = append(list, milestone{key, at, kind, text}) }
	add("applied", o.CreatedAt, isDone, "")
	switch {
	case story.Told:
		add("told", toldAt(story.Proofs), isDone, "")
	case o.Open():
		add("toBeTold", time.Time{}, isNow, "")
	}
	if len(story.Looks) > 0 {
		first, newest := story.Looks[0], story.Looks[len(story.Looks)-1]
		looks := int64(0)
		for _, look := range story.Looks {
			first, newest = earlierLook(first, look), laterLook(newest, look)
			looks += look.Count
		}
		add("looked", newest.At, isDone, p.t("order.nLooks", looks))
	}
	p.proofMilestones(story, add)
	if o.MakesKey() && o.Open() {
		if story.MakingKey {
			add("keyInWork", time.Time{}, isNext, "")
		} else {
			add("keyReady", story.KeyMadeAt, isDone, "")
		}
	}
	p.endMilestones(story, add)
	return list
}

// toldAt is when the last of the proofs was made; zero when one is a CA's, of which
// nothing says when it came.
func toldAt(proofs []chancery.Validation) (last time.Time) {
	for _, proof := range proofs {
		made := proof.MadeAt()
		if made.IsZero() {
			return made
		}
		if made.After(last) {
			last = made
		}
	}
	return last
}

func earlierLook(a, b chancery.Evidence) chancery.Evidence {
	if b.At.Before(a.At) {
		return b
	}
	return a
}

func laterLook(a, b chancery.Evidence) chancery.Evidence {
	if b.At.After(a.At) {
		return b
	}
	return a
}

func (p *page) proofMilestones(story *cas.OrderStory, add func(string, time.Time, string, string)) {
	o := &story.Order
	proved := 0
	for _, proof := range story.Proofs {
		if !proof.ProvedAt.IsZero() {
			proved++
		}
	}
	switch {
	case !o.ProvedAt.IsZero():
		add("proved", o.ProvedAt, isDone, "")
	case o.State == chancery.DomainVerify && story.Told:
		text := ""
		if len(story.Proofs) > 1 {
			text = p.t("order.provedOf", proved, len(story.Proofs))
		}
		add("toBeProved", time.Time{}, isNow, text)
	case o.State == chancery.DomainVerify:
		add("toBeProved", time.Time{}, isNext, "")
	}
}

func (p *page) endMilestones(story *cas.OrderStory, add func(string, time.Time, string, string)) {
	o := &story.Order
	switch o.State {
	case chancery.DomainVerify:
		add("toBeIssued", time.Time{}, isNext, "")
	case chancery.Process:
		key, kind := "issuing", isNow
		if o.Review == chancery.ReviewPending {
			add("inReview", time.Time{}, isNow, "")
			key, kind = "toBeIssued", isNext
		}
		add(key, time.Time{}, kind, "")
	case chancery.Issued, chancery.Revoked:
		add("issued", o.IssuedAt, isDone, "")
		if o.State == chancery.Revoked {
			add("revoked", story.Certificate.RevokedAt, isBad, story.Certificate.RevokeReason.String())
		}
	case chancery.VerifyFail:
		add("failed", story.EndedAt, isBad, o.Reason)
	case chancery.Payed:
		add("withdrawn", story.EndedAt, isBad, "")
	case chancery.Deleted:
	}
}

// instructions are what to publish, for an order that waits for it.
func (p *page) instructions(story *cas.OrderStory) (list []instruction) {
	if story.Order.State != chancery.DomainVerify {
		return nil
	}
	for _, proof := range story.Proofs {
		if !proof.Given() {
			continue
		}
		one := instruction{Validation: proof, Shown: proof.Name.Unicode(), Proved: !proof.ProvedAt.IsZero()}
		if proof.Method == chancery.DNS {
			one.asRecord()
		} else {
			one.asFile()
		}
		list = append(list, one)
	}
	return list
}

func (i *instruction) asRecord() {
	record := i.Record()
	i.Bind = fmt.Sprintf("%s. 60 IN TXT %s", record, quoted(i.Token))
	zone, err := publicsuffix.EffectiveTLDPlusOne(string(i.Name))
	if err != nil {
		zone = string(i.Name)
	}
	i.Zone, i.Host = zone, strings.TrimSuffix(record, "."+zone)
	i.Dig = "dig +short TXT " + record
	i.Aliyun = fmt.Sprintf("aliyun alidns AddDomainRecord --DomainName %s --RR %s --Type TXT --Value %s", i.Zone, i.Host, i.Token)
}

func (i *instruction) asFile() {
	i.URL = "http://" + string(i.Name) + i.Path()
	i.Nginx = fmt.Sprintf("location = %s {\n    default_type text/plain;\n    return 200 %s;\n}", i.Path(), quoted(i.Token))
	i.Curl = "curl -i " + i.URL
}

// quoted is text as zone files and nginx take it.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// lookNow has the proof looked at for a person who waits, and tells what came of it.
func lookNow(p *page) error {
	id, err := p.orderID()
	if err != nil {
		return err
	}
	story, err := call[cas.OrderStory](p, "OrderStory", cas.OrderStoryInput{OrderId: id, Wait: true})
	if err != nil {
		return err
	}
	note := p.outcome(story)
	if p.isPart() {
		data := p.orderData(story)
		data.Note = &note
		return p.render("order", data)
	}
	p.leave(note)
	return p.redirect("orders/%d", id)
}

// outcome says what the look that was asked for came to.
func (p *page) outcome(story *cas.OrderStory) flash {
	switch {
	case story.Order.State == chancery.Issued:
		return flash{Good: true, Text: p.t("order.lookIssued")}
	case !story.Order.ProvedAt.IsZero():
		return flash{Good: true, Text: p.t("order.lookProved")}
	case story.Order.State != chancery.DomainVerify:
		return flash{Text: p.t("order.lookEnded")}
	case len(story.Looks) == 0:
		return flash{Text: p.t("order.lookComing")}
	}
	newest := story.Looks[0]
	for _, look := range story.Looks {
		newest = laterLook(newest, look)
	}
	key := "order.lookBefore"
	if story.Looked {
		key = "order.lookFound"
	}
	return flash{Text: p.t(key, p.t("finding."+findingKeys[newest.Finding]), newest.Detail)}
}

func cancelOrder(p *page) error {
	id, err := p.orderID()
	if err != nil {
		return err
	}
	if _, err := p.endOrder(id, "CancelOrderRequest", "order.cancelled"); err != nil {
		return err
	}
	return p.redirect("orders/%d", id)
}

func deleteOrder(p *page) error {
	id, err := p.orderID()
	if err != nil {
		return err
	}
	gone, err := p.endOrder(id, "DeleteCertificateRequest", "order.deleted")
	switch {
	case err != nil:
		return err
	case gone:
		return p.redirect("orders")
	}
	return p.redirect("orders/%d", id)
}

// endOrder makes a call that ends an order, and leaves a message for the next page.
func (p *page) endOrder(id int64, operation, message string) (ended bool, err error) {
	_, err = call[cas.Done](p, operation, cas.OrderInput{OrderId: id})
	switch {
	case chancery.CodeOf(err) == chancery.OrderStateError:
		p.warn(p.t("order.tooLate"))
	case err != nil:
		return false, err
	default:
		p.flash(message, id)
	}
	return err == nil, nil
}
